#include "addon.h"

void InitNetlink(Napi::Env, Napi::Object) {}
