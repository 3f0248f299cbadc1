#pragma once
// The section [sweep] of an experiment file: how a parameter space is written.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "ecphory/base/parameters.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::app {

/// `model.a = {linspace = [0.0, 2.0, 101], when = "…"}`
struct AxisText {
  std::string key;
  std::string kind;  ///< values, linspace, logspace or geomspace
  std::vector<base::Value> arguments;
  std::string when;
};

/// `model.beta = {logarithmic = [0.1, 100]}` of a sample.
struct RangeText {
  std::string key;
  std::string kind;  ///< linear or logarithmic
  std::vector<base::Value> arguments;
};

/// `[[sweep.sample]]`
struct SampleText {
  std::string method;
  std::int64_t points = 0;
  std::vector<RangeText> box;
};

/// [sweep], or one `[[sweep.block]]`. The factors of the space are its axes in their order, then its zips,
/// its samples and its blocks.
struct SweepText {
  std::vector<AxisText> axes;
  std::vector<std::vector<AxisText>> zips;
  std::vector<SampleText> samples;
  std::vector<SweepText> blocks;
  std::vector<std::string> exclude;
  std::optional<std::int64_t> replicates;  ///< of [sweep] alone
  std::optional<sweep::StopRule> stop;     ///< of [sweep] alone

  std::map<std::string, std::string> where;  ///< the place of each key ("sweep.model.a"), for messages
};

/// Where a node stands, for messages.
using Where = std::function<std::string(const toml::node&)>;

/// Reads [sweep]. Throws UserError with the place.
SweepText parse_sweep(const toml::table& table, const Where& where);

/// Puts one value in place of what [sweep] has under `key` ("sweep.model.a", "sweep.replicates",
/// "sweep.sample.points"), or adds it. Throws UserError with the place `where`.
void override_sweep(const std::string& key, const toml::node& value, const std::string& where,
                    SweepText& sweep);

/// The space that is meant. linspace = [first, last, n]: n values evenly spaced; whole numbers when all three
/// are and the values come out whole. logspace = [first, last, n]: ten to the power of those. geomspace =
/// [first, last, n]: n values from first to last with one ratio. Throws UserError (with the key).
sweep::Space space_of(const SweepText& sweep);

/// The axis as TOML.
std::string to_text(const AxisText& axis);

/// TOML that reads as the same section; empty when nothing is swept.
std::string to_text(const SweepText& sweep);

}  // namespace ecphory::app
