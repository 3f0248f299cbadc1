#pragma once
// The two kinds of error: the user's (says what to change) and ours (a bug).

#include <stdexcept>
#include <string>
#include <string_view>

namespace ecphory::base {

/// What a user needs in order to mend a mistake. Empty parts are left out of the message.
struct Complaint {
  std::string where = {};     ///< file, or file:line
  std::string key = {};       ///< the dotted key, option or path at fault
  std::string problem = {};   ///< what is wrong
  std::string expected = {};  ///< which values are allowed
  std::string remedy = {};    ///< what to do
};

/// A mistake in what the user asked for. what() is the whole message, one part a line.
class UserError : public std::runtime_error {
 public:
  explicit UserError(Complaint complaint);
  const Complaint& complaint() const noexcept { return complaint_; }

 private:
  Complaint complaint_;
};

/// A mistake in Ecphory itself. what() says so and names the source line.
class Bug : public std::logic_error {
 public:
  explicit Bug(std::string_view what, const char* file = __builtin_FILE(), int line = __builtin_LINE());
};

/// Throws Bug unless `condition` holds: for what a caller inside the program must guarantee.
inline void ensure(bool condition, std::string_view what, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
  if (!condition) throw Bug(what, file, line);
}

}  // namespace ecphory::base
