// Unpacks a layer's file with two threads: one reads, hashes and inflates, the other hashes and makes what the tar says.
#pragma once

#include <string>

#include "layer-unpacker.h"

struct FileUnpacked {
  uint64_t bytes = 0;    // content of all files together
  uint64_t entries = 0;
  uint64_t fileBytes = 0;
  uint64_t tarBytes = 0;
  std::string digest;     // of the file, when it was asked for
  std::string tarDigest;
};

struct UnpackFileOptions {
  std::string file;
  std::string place;          // the directory it goes into; or the image, which is made
  bool isImage = false;       // EROFS
  LayerLimits limits;
  std::string algorithm;      // of the tar's digest
  std::string fileAlgorithm;  // of the file's; "" computes none
};

LayerError UnpackFile(const UnpackFileOptions& options, FileUnpacked* unpacked);
