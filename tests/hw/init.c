// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of a machine that has no Debian: mount what a program
 * expects, load the modules, give the NVMe controllers to nvmecap, run the program
 * that the kernel's command line names behind "--", and switch the machine off
 *
 * The program writes to PROGRAM_CONSOLE. The kernel's console shows its log at the
 * end, and last of all "lab: status N": to write a fault down takes much longer than
 * to have one, and the program wants to know which of them are late.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define NVME_CLASS	"0x010802"
#define PROGRAM_CONSOLE	"/dev/hvc0"

static const struct {
	const char *type;
	const char *where;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "devtmpfs", "/dev" },
	{ "tmpfs", "/tmp" },
};

static int complain(const char *what)
{
	fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
	return -1;
}

static int mount_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(mounts); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0,
			  NULL))
			return complain(mounts[i].where);
	}
	return 0;
}

/* In the order of their names */
static int load_modules(void)
{
	glob_t g;
	size_t i;

	if (glob("/modules/*.ko", 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc; i++) {
		int fd = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			return complain(g.gl_pathv[i]);
		close(fd);
	}
	return 0;
}

static int write_text(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(path);
	ret = write(fd, text, strlen(text)) < 0 ? complain(path) : 0;
	close(fd);
	return ret;
}

static int is_nvme(const char *dir)
{
	char path[512], class[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/class", dir);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(class, sizeof(class), f))
		class[0] = '\0';
	fclose(f);
	return !strncmp(class, NVME_CLASS, strlen(NVME_CLASS));
}

static int bind_capture_devices(void)
{
	glob_t g;
	size_t i;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc; i++) {
		const char *dir = g.gl_pathv[i];

		if (is_nvme(dir) &&
		    (write_text(dir, "driver_override", "nvmecap") ||
		     write_text("/sys/bus/pci", "drivers_probe",
				strrchr(dir, '/') + 1)))
			return -1;
	}
	return 0;
}

static int run(char *argv[])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return complain("fork");
	if (!pid) {
		int fd = open(PROGRAM_CONSOLE, O_WRONLY);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
		    dup2(fd, STDERR_FILENO) < 0) {
			complain(PROGRAM_CONSOLE);
			_exit(126);
		}
		execv(argv[0], argv);
		complain(argv[0]);
		_exit(127);
	}
	/* orphans of the program end up here, too */
	while (wait(&status) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

static void show_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[8192];
	ssize_t n;

	/* a record that was overwritten meanwhile fails, the next one does not */
	while ((n = read(fd, line, sizeof(line) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0)
			continue;
		line[n] = '\0';
		text = strchr(line, ';');
		if (text)
			fputs(text + 1, stdout);
	}
	close(fd);
}

int main(int argc, char *argv[])
{
	int status = 126;

	if (argc > 1 && !mount_all() && !load_modules() &&
	    !bind_capture_devices())
		status = run(argv + 1);
	show_log();
	printf("lab: status %d\n", status);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return status;
}
