#include "addon.h"

void InitMounts(Napi::Env, Napi::Object) {}
