/*
 * What may be asked of the program, a line each; every answer is one line of JSON, `{"error": "..."}` when it fails.
 *
 *   cable NAME NAMESPACE-A DEVICE-A NAMESPACE-B DEVICE-B    lays a cable between two new TAP devices
 *   set NAME ab|ba|both KEY VALUE ...                       keys are the fields of struct settings (direction.h)
 *   stats NAME                                              counters of both directions since the last reset
 *   reset                                                   all counters start anew
 *   health                                                  lateness, CPU time, failures of the program itself
 */
#ifndef IMPAIR_COMMANDS_H
#define IMPAIR_COMMANDS_H

#include "cables.h"

#define ANSWER_BYTES 2048

/* Carries out a line, which it may change, and writes the answer without a line end. */
void command_run(struct cables *cables, int poll_fd, char *line, char answer[ANSWER_BYTES]);

#endif
