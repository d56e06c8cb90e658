#include "addon.h"

void InitFiles(Napi::Env, Napi::Object) {}
