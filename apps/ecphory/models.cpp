#include "ecphory/models/models.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "verbs.hpp"

namespace ecphory::app {

void add_models(CLI::App& app, int&) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* const verb = app.add_subcommand("models", "List the models");
  verb->add_flag("--json", *as_json, "print for a machine");
  verb->callback([as_json] {
    if (*as_json) {
      nlohmann::json list = nlohmann::json::array();
      for (const models::Model& model : models::all_models()) {
        list.push_back({{"name", model.name}, {"title", model.title}, {"source", model.source}});
      }
      fmt::print("{}\n", list.dump(2));
      return;
    }
    std::size_t longest = 0;
    for (const models::Model& model : models::all_models()) longest = std::max(longest, model.name.size());
    for (const models::Model& model : models::all_models())
      fmt::print("{:<{}}  {}\n", model.name, longest, model.title);
  });
}

}  // namespace ecphory::app
