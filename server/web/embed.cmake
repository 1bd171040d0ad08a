# Writes the files below DIST into OUTPUT, a C++ source that defines lehr::WebAssets().
cmake_policy(VERSION 3.25)
set(type_of_html "text/html; charset=utf-8")
set(type_of_js "text/javascript; charset=utf-8")
set(type_of_css "text/css; charset=utf-8")
set(type_of_svg "image/svg+xml")
set(type_of_png "image/png")
set(type_of_ico "image/x-icon")
set(type_of_woff2 "font/woff2")

file(GLOB_RECURSE files RELATIVE ${DIST} ${DIST}/*)
list(SORT files)
set(index 0)
foreach(file ${files})
  cmake_path(GET file EXTENSION LAST_ONLY extension)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT DEFINED type_of_${extension})
    message(FATAL_ERROR "${DIST}/${file}: no content type is known for .${extension}")
  endif()
  file(READ ${DIST}/${file} bytes HEX)
  file(SHA256 ${DIST}/${file} digest)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(SUBSTRING ${digest} 0 32 digest)
  set(path "/${file}")
  if(path STREQUAL "/index.html")
    set(path "/")
  endif()
  # Vite puts what has a hash in its name there.
  set(immutable false)
  if(path MATCHES "^/assets/")
    set(immutable true)
  endif()
  string(APPEND arrays "constexpr unsigned char kBytes${index}[] = {${bytes}};\n")
  string(APPEND entries "      {\"${path}\", \"${type_of_${extension}}\", View(kBytes${index}), "
                        "\"\\\"${digest}\\\"\", ${immutable}},\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Made by server/web/embed.cmake.
#include \"server/http/web_assets.h\"

#include <cstddef>

namespace lehr {
namespace {

${arrays}
template <std::size_t size>
std::string_view View(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

absl::Span<const WebAsset> WebAssets() {
  static const WebAsset kAssets[] = {
${entries}  };
  return kAssets;
}

}  // namespace lehr
")
