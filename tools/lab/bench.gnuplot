# SPDX-License-Identifier: GPL-2.0-only
# Run in the project's directory, after tools/lab/bench has made the data.
set datafile missing 'NaN'
set style data linespoints
set style fill solid
set grid ytics
set key top left Left reverse samplen 2 noenhanced
set bmargin 4

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg noenhanced size 1100,860 font "DejaVu Sans,12" background "#ffffff"
	} else {
		set terminal pngcairo noenhanced size 1100,860 font "DejaVu Sans,10"
	}
	set output "book/bench.".format
	set multiplot layout 2,2

	set title "What a frame in a BAR costs the application"
	set ylabel "instructions a frame"
	set logscale y
	set style data histograms
	set yrange [1000:1e8]
	set xtics autofreq
	plot for [i=2:3] 'build/bench/frame.dat' using i:xtic(1) title columnheader(i)

	set style data linespoints
	set logscale xy
	set yrange [1000:2e8]
	set xlabel "bytes of the buffer"
	set xtics ("64K" 65536, "256K" 262144, "1M" 1048576, "4M" 4194304, "16M" 16777216, \
		"64M" 67108864, "256M" 268435456)
	set title "First QBUF, no I/O MMU"
	set ylabel "instructions"
	plot for [i=2:5] 'build/bench/first.dat' using 1:i title columnheader(i)

	set title "First QBUF, VT-d"
	plot for [i=2:6] 'build/bench/first-iommu.dat' using 1:i title columnheader(i)

	set title "munmap() of a buffer that the device has"
	plot for [i=2:6] 'build/bench/revoke.dat' using 1:i title columnheader(i)

	unset multiplot
	unset logscale
	unset xlabel
	set output
}
