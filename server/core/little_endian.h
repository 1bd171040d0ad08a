// Integers as bytes, lowest first.
#ifndef LEHR_SERVER_CORE_LITTLE_ENDIAN_H_
#define LEHR_SERVER_CORE_LITTLE_ENDIAN_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace lehr {

// Appends the lowest `size` bytes of `integer`; size <= 8.
inline void AppendInteger(std::string& bytes, uint64_t integer, int size) {
  for (int i = 0; i < size; ++i) {
    bytes.push_back(static_cast<char>(integer >> (8 * i)));
  }
}

// Takes `size` bytes from the front of `bytes`, which has as many; size <= 8.
inline uint64_t TakeInteger(std::string_view& bytes, int size) {
  uint64_t integer = 0;
  for (int i = 0; i < size; ++i) {
    integer |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(size);
  return integer;
}

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_LITTLE_ENDIAN_H_
