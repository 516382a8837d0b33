/*
 * The only program of a machine that restarts: loads the module, then restarts with the argument that stands behind `--` on the
 * kernel's command line, or with none. What happened is said on the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *what, long code) {
  char line[100];
  int length = snprintf(line, sizeof line, "<2>init: %s: %s\n", what, code == 0 ? "done" : strerror(errno));
  int log = open("/dev/kmsg", O_WRONLY);
  if (write(log, line, (size_t)length) < 0) _exit(1);
  close(log);
}

int main(int count, char **words) {
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  int module = open("/skywire_tryboot.ko", O_RDONLY);
  say("module", syscall(SYS_finit_module, module, "", 0));

  char argument[100] = "";
  for (int i = 1; i < count; i++) {
    if (i > 1) strncat(argument, " ", sizeof argument - strlen(argument) - 1);
    strncat(argument, words[i], sizeof argument - strlen(argument) - 1);
  }
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, argument);
  say("restart", -1);
  for (;;) pause();
}
