#include "server/options/yaml_config.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

int LineOf(const YAML::Mark& mark) { return mark.line + 1; }

bool IsFlag(const CLI::Option& option) { return option.get_expected_min() == 0; }

}  // namespace

std::vector<CLI::ConfigItem> YamlConfig::from_config(std::istream& input) const {
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(input);
  } catch (const YAML::ParserException& error) {
    throw CLI::ConfigError(absl::StrCat(Place(LineOf(error.mark)), "is not YAML: ", error.msg));
  }
  if (documents.empty() || documents[0].IsNull()) {
    return {};
  }
  if (documents.size() > 1) {
    throw CLI::ConfigError(
        absl::StrCat(Place(LineOf(documents[1].Mark())), "a second document begins"));
  }
  if (!documents[0].IsMap()) {
    throw CLI::ConfigError(
        absl::StrCat(Place(LineOf(documents[0].Mark())), "is not of the form 'option: value'"));
  }

  std::vector<CLI::ConfigItem> items;
  std::set<std::string> names;
  for (const auto& entry : documents[0]) {
    const std::string place = Place(LineOf(entry.first.Mark()));
    if (!entry.first.IsScalar()) {
      throw CLI::ConfigError(absl::StrCat(place, "a key is no name"));
    }
    const std::string& name = entry.first.Scalar();
    const CLI::Option* option = app_.get_option_no_throw("--" + name);
    if (option == nullptr || !option->get_configurable()) {
      throw CLI::ConfigError(absl::StrCat(place, "there is no option '", name, "'"));
    }
    if (!names.insert(name).second) {
      throw CLI::ConfigError(absl::StrCat(place, name, " is given a second time"));
    }
    if (!entry.second.IsScalar()) {
      throw CLI::ConfigError(
          absl::StrCat(place, name, " needs one value: ",
                       entry.second.IsNull() ? "there is none" : YAML::Dump(entry.second)));
    }
    const std::string& value = entry.second.Scalar();
    if (IsFlag(*option) && value != "true" && value != "false") {
      throw CLI::ConfigError(absl::StrCat(place, name, "=", value, ": not true or false"));
    }
    if (option->count() > 0) {
      continue;
    }
    lines_[name] = LineOf(entry.first.Mark());
    items.push_back({.parents = {}, .name = name, .inputs = {value}});
  }
  return items;
}

std::string YamlConfig::Origin(const std::string& name) const {
  const auto line = lines_.find(name);
  return line == lines_.end() ? absl::StrCat("--", name) : absl::StrCat(Place(line->second), name);
}

std::string YamlConfig::Place(int line) const {
  return absl::StrCat(app_.get_config_ptr()->as<std::string>(), ":", line, ": ");
}

}  // namespace lehr
