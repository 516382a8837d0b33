/* TAP devices in other network namespaces: what goes out there is read here, what is written here comes in there. */
#ifndef IMPAIR_TAP_H
#define IMPAIR_TAP_H

/* Makes the device in the namespace that `ip netns` knows under this name; it lives as long as the descriptor. Or -errno. */
int tap_open(const char *namespace_name, const char *device);

#endif
