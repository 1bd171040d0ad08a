// Text in HTML.
#ifndef LEHR_CLIENT_CLI_HTML_H_
#define LEHR_CLIENT_CLI_HTML_H_

#include <string>
#include <string_view>

namespace lehr {

// `text` as the content of an element or of a quoted attribute.
inline std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_HTML_H_
