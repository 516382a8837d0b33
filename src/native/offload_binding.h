/* The offload cipher's part of the addon: its functions go into `exports`. What they take is declared in native-offload.ts. */
#ifndef SKYWIRE_OFFLOAD_BINDING_H
#define SKYWIRE_OFFLOAD_BINDING_H

#include <node_api.h>

void offload_define(napi_env env, napi_value exports);

#endif
