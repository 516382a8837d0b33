/* The curve's part of the addon: its functions go into `exports`. What they take is declared in addon.ts. */
#ifndef SKYWIRE_CURVE_BINDING_H
#define SKYWIRE_CURVE_BINDING_H

#include <node_api.h>

#include "core/curve.h"

/* `curve` lives as long as the environment. */
void curve_define(napi_env env, napi_value exports, struct curve *curve);

#endif
