# SPDX-License-Identifier: GPL-2.0-only
# All of it prepares what it needs: the first run downloads and builds, into
# $(XDG_CACHE_HOME)/vb2-dma-pfn, the next ones start within seconds.

LAB := tools/lab

# What captures with devices: minutes to hours. make check has the short form.
HW_SUITES := 25-nvmecap 35-uvc 45-inflight 45-p2p 50-buf-revoke 55-failnth 70-tw68 75-pmem

.DEFAULT_GOAL := help

help:
	@echo 'As root, on Debian 12 or 13:'
	@echo
	@echo '  make demo          live video into a display'\''s memory; picture in build/demo.png'
	@echo '  make check         all tests, those of capture devices in a short form'
	@echo '  make check SUITES="a b"   only tests/suites/a.sh and b.sh, in full'
	@echo '  make check-hw      capture devices: nvmecap, tw68, uvcvideo, peers, NVDIMM'
	@echo '  make matrix        all DMA mapping implementations, on emulated machines of'
	@echo '                     ten architectures; writes the table of results'
	@echo '  make matrix TARGET="a b"  only tests/matrix/a.sh and b.sh'
	@echo '  make stress        everything at once on all devices at once, and a look at every'
	@echo '                     byte: MINUTES=N (10), SEED=N, MACHINES="debug intel fast kcsan"'
	@echo '  make bench         how many instructions it takes to capture into memory; writes'
	@echo '                     the tables and plots of book/bench.rst'
	@echo '  make bench-dma     what mapping a scatterlist of pages costs, before and after'
	@echo '  tools/vm -- CMD    run CMD in a guest (tools/vm --help)'
	@echo
	@echo '  make check-style   checkpatch --strict, sparse, W=1, shellcheck on what we add'
	@echo '  make check-cocci   coccicheck has nothing to say about the C files that we touch'
	@echo '  make check-docs    Sphinx has nothing to say about our pages and comments'
	@echo '  make check-series  every patch of the series applies in order and builds;'
	@echo '                     FROM=N goes on with the first N'
	@echo '  make series        the series as mails with cover letters, complete and in parts,'
	@echo '                     and who gets them, in build/series/; checked'
	@echo '  make coverage      which lines of ours the tests execute, in build/coverage/'
	@echo '  make check-mutants every deliberate defect of tests/mutants is found'
	@echo '  make fuzz          calls that a fuzzer makes up, for MINUTES=10, from SEED= on'
	@echo '  make fuzz CASE=FILE   run a case of its, and say what each call returned'
	@echo '  make kernel        our kernel, normal and for debugging'
	@echo '  make source        the kernel source with our files and patches; prints where'
	@echo '  make menuconfig    look at its configuration'
	@echo '  make programs      the test programs, in build/tests/'
	@echo '  make deb           the DKMS package for Debian'\''s kernels 6.12 and 7.3, in build/'
	@echo '  make docs          the documentation as a book, in build/docs/; prints where'
	@echo '  make tree          the Debian root that builds and guests run in'
	@echo
	@echo '  make clean         remove build/ (logs, pictures, test programs)'
	@echo '  make distclean     and the cache: tree, sources, kernels'
	@echo
	@echo 'MIRROR=URL names another Debian mirror, JOBS=N the number of compilers,'
	@echo 'AT_ONCE=N how many suites of tests run at a time,'
	@echo 'XDG_CACHE_HOME=DIR another place for the cache (about 13 GB).'

demo:
	@$(LAB)/demo

# What the suites are going to need is built before, where its progress is seen
needed = $(if $(SUITES),$(filter $1,$(SUITES)),$1)
check: kernel programs
	@$(if $(call needed,01-docs),$(LAB)/tree --docs >/dev/null)
	@$(if $(call needed,07-model),$(LAB)/tree --spin >/dev/null)
	@$(if $(call needed,66-recipes),$(LAB)/tree --apps >/dev/null)
	@$(if $(call needed,80-dma),tests/suites/80-dma.sh --build)
	@$(if $(call needed,85-dkms),$(LAB)/deb --kernel 7.3 >/dev/null)
	@$(if $(SUITES),,SHORT=1) tests/run $(SUITES)

check-hw: kernel programs
	@$(LAB)/arm64 --build
	@tests/run $(HW_SUITES)

kernel:
	@$(LAB)/kernel >/dev/null
	@$(LAB)/kernel --debug >/dev/null

source:
	@$(LAB)/kernel prepare

menuconfig:
	@$(LAB)/kernel menuconfig

programs:
	@$(LAB)/programs

tree:
	@$(LAB)/tree

deb:
	@$(LAB)/deb

docs:
	@$(LAB)/docs

matrix:
	@$(LAB)/matrix $(TARGET)

stress: kernel programs
	@$(LAB)/kernel --config kcsan >/dev/null
	@$(LAB)/stress

bench:
	@$(LAB)/bench

bench-dma:
	@$(LAB)/bench-dma

check-style:
	@$(LAB)/check-style

check-docs:
	@$(LAB)/check-docs

check-cocci:
	@$(LAB)/check-cocci

check-series:
	@$(LAB)/check-series $(FROM)

series:
	@$(LAB)/mail-series

coverage: programs
	@$(LAB)/coverage

check-mutants:
	@$(LAB)/mutants $(MUTANTS)

fuzz:
	@$(LAB)/fuzz $(CASE)

clean:
	rm -rf build

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/vb2-dma-pfn"

.PHONY: help demo check check-hw kernel source menuconfig programs tree deb docs matrix stress \
	bench bench-dma check-style check-cocci check-docs check-series series coverage check-mutants \
	fuzz clean distclean
