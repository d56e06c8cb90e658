#include "hash.h"

Hash::Hash(const std::string& algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_, algorithm == "sha512" ? EVP_sha512() : EVP_sha256(), nullptr);
}

Hash::~Hash() { EVP_MD_CTX_free(context_); }

void Hash::Update(const void* bytes, size_t length) { EVP_DigestUpdate(context_, bytes, length); }

std::string Hash::Digest() {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_, value, &length);
  static const char kDigits[] = "0123456789abcdef";
  std::string text = algorithm_ + ":";
  for (unsigned int i = 0; i < length; i++) {
    text += kDigits[value[i] >> 4];
    text += kDigits[value[i] & 15];
  }
  return text;
}
