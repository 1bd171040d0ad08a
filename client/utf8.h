// What a string field of a proto message may hold: a peer refuses a message with other bytes.
#ifndef LEHR_CLIENT_UTF8_H_
#define LEHR_CLIENT_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace lehr {

// Whether the text is UTF-8 as the Unicode standard (table 3-7) defines it: no overlong forms, no
// surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// The longest start of the text that is at most `max_bytes` long and ends with a whole character.
// Bytes that are not UTF-8 become '?'.
std::string CutToUtf8(std::string_view text, size_t max_bytes);

}  // namespace lehr

#endif  // LEHR_CLIENT_UTF8_H_
