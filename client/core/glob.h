// Patterns over names. Threading: pure.

#ifndef LEHR_CLIENT_CORE_GLOB_H_
#define LEHR_CLIENT_CORE_GLOB_H_

#include <string_view>

namespace lehr {

// Whether the pattern matches the whole text: `*` stands for any bytes, also none and also dots,
// `?` for one byte, everything else for itself. GlobMatches("layers.*.weight", "layers.0.weight").
// Time: at most pattern size times text size.
bool GlobMatches(std::string_view pattern, std::string_view text);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_GLOB_H_
