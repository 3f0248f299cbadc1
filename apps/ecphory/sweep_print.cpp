#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sweep_text.hpp"

namespace ecphory::app {

std::string to_text(const AxisText& axis) {
  std::vector<std::string> list;
  for (const base::Value& value : axis.arguments) list.push_back(base::to_text(value));
  const std::string when = axis.when.empty() ? "" : ", when = " + base::to_text(axis.when);
  return fmt::format("{{{} = [{}]{}}}", axis.kind, fmt::join(list, ", "), when);
}

namespace {

void add_text(const SweepText& sweep, const std::string& name, bool array, std::string& text) {
  text += array ? fmt::format("\n[[{}]]\n", name) : fmt::format("\n[{}]\n", name);
  for (const AxisText& axis : sweep.axes) text += fmt::format("{} = {}\n", axis.key, to_text(axis));
  if (sweep.replicates) text += fmt::format("replicates = {}\n", *sweep.replicates);
  if (sweep.stop) {
    text += fmt::format("stop = {{result = {}, width = {}, least = {}}}\n", base::to_text(sweep.stop->result),
                        base::to_text(sweep.stop->width), sweep.stop->least);
  }
  if (!sweep.exclude.empty()) {
    std::vector<std::string> list;
    for (const std::string& condition : sweep.exclude) list.push_back(base::to_text(condition));
    text += fmt::format("exclude = [{}]\n", fmt::join(list, ", "));
  }
  for (const auto& zip : sweep.zips) {
    text += fmt::format("\n[[{}.zip]]\n", name);
    for (const AxisText& axis : zip) text += fmt::format("{} = {}\n", axis.key, to_text(axis));
  }
  for (const SampleText& sample : sweep.samples) {
    text += fmt::format("\n[[{}.sample]]\nmethod = {}\npoints = {}\n", name, base::to_text(sample.method),
                        sample.points);
    for (const RangeText& range : sample.box) {
      text += fmt::format("{} = {{{} = [{}, {}]}}\n", range.key, range.kind,
                          base::to_text(range.arguments[0]), base::to_text(range.arguments[1]));
    }
  }
  for (const SweepText& block : sweep.blocks) add_text(block, name + ".block", true, text);
}

}  // namespace

std::string to_text(const SweepText& sweep) {
  const bool nothing = sweep.axes.empty() && sweep.zips.empty() && sweep.samples.empty() &&
                       sweep.blocks.empty() && sweep.exclude.empty() && !sweep.replicates;
  std::string text;
  if (!nothing) add_text(sweep, "sweep", false, text);
  return text;
}

}  // namespace ecphory::app
