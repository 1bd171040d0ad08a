// The files of the page (server/web), embedded when lehrd is built.
#ifndef LEHR_SERVER_HTTP_WEB_ASSETS_H_
#define LEHR_SERVER_HTTP_WEB_ASSETS_H_

#include <string_view>

#include "absl/types/span.h"

namespace lehr {

struct WebAsset {
  // "/" for index.html.
  std::string_view path;
  std::string_view content_type;
  std::string_view bytes;
  // Quoted, of the bytes.
  std::string_view etag;
  // The name changes with the bytes.
  bool immutable = false;
};

absl::Span<const WebAsset> WebAssets();

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_WEB_ASSETS_H_
