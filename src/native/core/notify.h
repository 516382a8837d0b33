/* A datagram to the service manager: systemd's notification protocol, sd_notify(3). Node.js has no unix datagram sockets. */
#ifndef SKYWIRE_NOTIFY_H
#define SKYWIRE_NOTIFY_H

#include <stddef.h>
#include <sys/un.h>

/* What a socket's path may be long, with the final zero. */
#define NOTIFY_PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)
/* READY=1, WATCHDOG=1 and the like; STATUS= with a line of text. */
#define NOTIFY_TEXT_BYTES 512

/*
 * Sends `text` to the socket at `path`; one that begins with @ is in the abstract namespace. Never blocks.
 * Returns 0, or a negative errno.
 */
int notify_send(const char *path, const char *text);

#endif
