#include "client/utf8.h"

#include <algorithm>

namespace lehr {
namespace {

// The length of the character that the text begins with; 0 if it is not one.
size_t FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
    return 0;
  }
  // The second byte excludes overlong forms, surrogates and what is beyond U+10FFFF.
  const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned greatest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > greatest) {
    return 0;
  }
  const bool continues = std::all_of(text.begin() + 2, text.begin() + length, [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  });
  return continues ? length : 0;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = FirstCharacter(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string CutToUtf8(std::string_view text, size_t max_bytes) {
  std::string cut;
  while (!text.empty()) {
    const size_t length = FirstCharacter(text);
    if (cut.size() + std::max<size_t>(length, 1) > max_bytes) {
      break;
    }
    cut += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return cut;
}

}  // namespace lehr
