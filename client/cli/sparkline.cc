#include "client/cli/sparkline.h"

#include <algorithm>
#include <cmath>

namespace lehr {

void Sparkline::Add(double value) {
  values_.push_back(value);
  if (values_.size() > width_) {
    values_.pop_front();
  }
}

std::string Sparkline::Text() const {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values_.empty()) {
    return "";
  }
  const double greatest = *std::max_element(values_.begin(), values_.end());
  std::string text;
  for (const double value : values_) {
    text += kBlocks[greatest > 0 ? std::lround(7 * (value / greatest)) : 0];
  }
  return text;
}

}  // namespace lehr
