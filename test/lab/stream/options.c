#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take(struct options *options, const char *name, const char *value) {
  double number = atof(value);
  if (strcmp(name, "--client") == 0) options->client = value;
  else if (strcmp(name, "--server") == 0) options->server = value;
  else if (strcmp(name, "--address") == 0) options->address = value;
  else if (strcmp(name, "--port") == 0) options->port = (uint16_t)number;
  else if (strcmp(name, "--direction") == 0) options->down = strcmp(value, "down") == 0;
  else if (strcmp(name, "--rate") == 0) options->rate = number;
  else if (strcmp(name, "--bytes") == 0) options->bytes = (uint32_t)number;
  else if (strcmp(name, "--seconds") == 0) options->seconds = number;
  else if (strcmp(name, "--skip-seconds") == 0) options->skip_seconds = number;
  else if (strcmp(name, "--drain-seconds") == 0) options->drain_seconds = number;
  else if (strcmp(name, "--within-ms") == 0) options->within_ms = number;
  else if (strcmp(name, "--tos") == 0) options->tos = (int)number;
  else if (strcmp(name, "--watch-stalls") == 0) options->watch_stalls = number != 0;
  else return false;
  return true;
}

bool options_read(struct options *options, int argc, char **argv) {
  *options = (struct options){.port = 7000, .rate = 100, .bytes = 200, .seconds = 5, .drain_seconds = 1, .within_ms = 150};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && take(options, argv[i], argv[i + 1])) continue;
    fprintf(stderr, "udp-stream: no such option, or no value: %s\n", argv[i]);
    return false;
  }
  if (options->client != NULL && options->server != NULL && options->address != NULL) return true;
  fprintf(stderr, "udp-stream: --client, --server and --address are needed\n");
  return false;
}
