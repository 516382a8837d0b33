/*
 * A device with one key, as the kernel knows it from a driver: `press CODE SECONDS...` holds it so long, once for each number. What watches
 * for such devices has half a minute to find it.
 */
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FOUND_S = 30, BETWEEN_S = 3 };

static int device;

static void check(long result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static void emit(int type, int code, int value) {
  struct input_event event = {.type = (unsigned short)type, .code = (unsigned short)code, .value = value};
  check(write(device, &event, sizeof event), "write");
}

static void turn(int code, int value) {
  emit(EV_KEY, code, value);
  emit(EV_SYN, SYN_REPORT, 0);
}

int main(int count, char **words) {
  if (count < 3) return 2;
  int code = atoi(words[1]);
  device = open("/dev/uinput", O_WRONLY);
  check(device, "/dev/uinput");
  struct uinput_setup setup = {.id = {.bustype = BUS_HOST}};
  strcpy(setup.name, "button of the lab");
  check(ioctl(device, UI_SET_EVBIT, EV_KEY), "UI_SET_EVBIT");
  check(ioctl(device, UI_SET_KEYBIT, code), "UI_SET_KEYBIT");
  check(ioctl(device, UI_DEV_SETUP, &setup), "UI_DEV_SETUP");
  check(ioctl(device, UI_DEV_CREATE), "UI_DEV_CREATE");
  sleep(FOUND_S);
  for (int i = 2; i < count; i++) {
    turn(code, 1);
    sleep((unsigned)atoi(words[i]));
    turn(code, 0);
    sleep(BETWEEN_S);
  }
  return 0;
}
