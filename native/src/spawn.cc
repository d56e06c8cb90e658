#include "addon.h"

void InitSpawn(Napi::Env, Napi::Object) {}
