// The latest values of a series as a line of blocks: "▁▂▄█▆".
#ifndef LEHR_CLIENT_CLI_SPARKLINE_H_
#define LEHR_CLIENT_CLI_SPARKLINE_H_

#include <cstddef>
#include <deque>
#include <string>

namespace lehr {

class Sparkline {
 public:
  // Shows the latest `width` values.
  explicit Sparkline(size_t width) : width_(width) {}

  // A value >= 0.
  void Add(double value);
  // As many blocks as there are values, at most `width`; the highest block is the greatest value
  // shown, the lowest is 0.
  std::string Text() const;

 private:
  size_t width_;
  std::deque<double> values_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_SPARKLINE_H_
