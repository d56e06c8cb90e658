// A supervisor that was started before its container was known (protocol.h: assignment).
#pragma once

#include <stddef.h>

// Reads what comes first on the connection: 8 bytes, with the descriptors that may have come with
// them, kept for become_assigned. -1: the connection ended.
int read_first(int connection, void* header, size_t size);

// Takes the place the others are started in; `name`: the argument that ps shows, to be overwritten
// by the id of that length. -1: it is not what it should be, or the connection ended.
int become_assigned(int connection, char* name, size_t length);
