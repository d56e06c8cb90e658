// The way from our threads back to JavaScript: one queue for all of them.
#pragma once

#include <napi.h>

#include <functional>

// On the JavaScript thread: from now until the matching LetGo something may still be told, and the
// process stays.
void HoldEvents(Napi::Env env);
void LetGoEvents(Napi::Env env);

// On any thread, while held: has `call` run on the JavaScript thread.
void TellJavaScript(std::function<void(Napi::Env)> call);
