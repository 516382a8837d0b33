/*
 * An offload device that answers at once, in the driver's own process, so that the driver's share of the work can be timed
 * alone: it stands in for offload_bus.c. Until it is told to pretend it is a true cipher, so that it passes the driver's known
 * answers and takes keys; then results are copies of the sources, with right check words.
 */
#ifndef SKYWIRE_INSTANT_DEVICE_H
#define SKYWIRE_INSTANT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds of CPU that the device itself took since the start: to be taken off what a run took. */
uint64_t instant_device_ns(void);
void instant_device_pretend(bool pretend);

#endif
