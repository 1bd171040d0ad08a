// Golden values of the trainer's tests; the scripts that made them lie beside them.
#ifndef LEHR_TESTS_TRAINER_GOLDEN_H_
#define LEHR_TESTS_TRAINER_GOLDEN_H_

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace lehr {

inline nlohmann::json ReadGolden(const std::string& name) {
  std::ifstream file(std::string(LEHR_SOURCE_DIR) + "/tests/golden/trainer/" + name);
  return nlohmann::json::parse(file);
}

}  // namespace lehr

#endif  // LEHR_TESTS_TRAINER_GOLDEN_H_
