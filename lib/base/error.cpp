#include "ecphory/base/error.hpp"

#include <fmt/format.h>

namespace ecphory::base {
namespace {

std::string message_of(const Complaint& complaint) {
  std::string text;
  if (!complaint.where.empty()) text += complaint.where + ": ";
  if (!complaint.key.empty()) text += complaint.key + ": ";
  text += complaint.problem;
  if (!complaint.expected.empty()) text += "\n  expected: " + complaint.expected;
  if (!complaint.remedy.empty()) text += "\n  remedy: " + complaint.remedy;
  return text;
}

}  // namespace

UserError::UserError(Complaint complaint)
    : std::runtime_error(message_of(complaint)), complaint_(std::move(complaint)) {}

Bug::Bug(std::string_view what, const char* file, int line)
    : std::logic_error(
          fmt::format("{} ({}:{}); this is a bug in Ecphory, please report it", what, file, line)) {}

}  // namespace ecphory::base
