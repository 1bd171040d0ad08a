// Reads options from a YAML file for CLI11: a map from option names, without dashes, to scalars.
//
//   listen: 127.0.0.1:7070
//   commit_interval: 20ms
//   reflection: true
//
// What is not an option, not a scalar, given twice or no true or false for a flag is refused, as
// "FILE:LINE: ...".
#ifndef LEHR_SERVER_OPTIONS_YAML_CONFIG_H_
#define LEHR_SERVER_OPTIONS_YAML_CONFIG_H_

#include <CLI/CLI.hpp>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace lehr {

class YamlConfig : public CLI::Config {
 public:
  // `app` says which options there are and which of them the command line has set already.
  explicit YamlConfig(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }

  // Where the option's value stands: "FILE:LINE: NAME" or "--NAME".
  std::string Origin(const std::string& name) const;

 private:
  std::string Place(int line) const;

  const CLI::App& app_;
  // The options that the file sets, by name. CLI11 reads through a const method.
  mutable std::map<std::string, int> lines_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_OPTIONS_YAML_CONFIG_H_
