#include "addon.h"

void InitNamespaces(Napi::Env, Napi::Object) {}
