#include "ecphory/base/expression.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "ecphory/base/nearest.hpp"

namespace ecphory::base {
namespace {

enum class Type { condition, number, string };

constexpr std::array<const char*, 3> kTypeNames = {"a condition", "a number", "a string"};

using Result = std::variant<bool, double, std::string>;  // in the order of Type

// What nests, or is chained, without bound would exhaust the stack.
constexpr std::size_t kLongest = 10000;
constexpr std::size_t kDeepest = 100;

constexpr const char* kOperand = "a key, a number, a string or (";

/// What other languages write, and what is written here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kForeign = {
    {{"=>", ">="}, {"=<", "<="}, {"!=", ""}, {"=", "=="}, {"&", "and"}, {"|", "or"}, {"!", "not"}}};

}  // namespace

/// A part of an expression: its type, and its value at a point.
struct Expression::Node {
  Type type;
  std::function<Result(const Point&)> value;
  const Parameter* key = nullptr;  ///< of a key, while it is parsed
  std::string literal = {};        ///< of a string
  std::size_t begin = 0;           ///< its place in the text
  std::size_t end = 0;
};

namespace {

using Node = Expression::Node;

/// Recursive descent, one function for each level of binding.
class Parser {
 public:
  Parser(const std::string& text, std::span<const Parameter> parameters)
      : text_(text), parameters_(parameters) {}

  Node parse() {
    if (text_.size() > kLongest) {
      throw UserError({.problem = fmt::format("a condition of {} characters", text_.size()),
                       .expected = fmt::format("at most {} characters", kLongest)});
    }
    Node node = alternatives();
    skip_space();
    if (at_ < text_.size())
      fail(at_, word_end(at_), "does not belong there", "and, or, or the end", foreign(at_));
    expect(node, Type::condition);
    return node;
  }

  std::vector<std::string> keys;

 private:
  /// Refuses what stands from `begin` up to `end`.
  [[noreturn]] void fail(std::size_t begin, std::size_t end, const std::string& problem,
                         const std::string& expected, const std::string& remedy = "") const {
    const std::string found =
        begin < text_.size() ? fmt::format("\"{}\"", text_.substr(begin, end - begin)) : "the end";
    throw UserError(
        {.problem = fmt::format("column {} of the condition {}: {} {}", begin + 1, text_, found, problem),
         .expected = expected,
         .remedy = remedy});
  }

  void expect(const Node& node, Type type) const {
    if (node.type == type) return;
    fail(node.begin, node.end, fmt::format("is {}", kTypeNames.at(static_cast<std::size_t>(node.type))),
         kTypeNames.at(static_cast<std::size_t>(type)));
  }

  /// Where the space after what stands at `begin` begins.
  std::size_t word_end(std::size_t begin) const {
    return std::min(text_.find_first_of(" \t\r\n", begin), text_.size());
  }

  /// The remedy for a sign of other languages at `begin`.
  std::string foreign(std::size_t begin) const {
    for (const auto& [theirs, ours] : kForeign) {
      if (text_.compare(begin, theirs.size(), theirs) == 0)
        return ours.empty() ? "" : fmt::format("write {}", ours);
    }
    return "";
  }

  /// Parses by `level` what is nested in what began at `begin`.
  Node nested(std::size_t begin, Node (Parser::*level)()) {
    if (++depth_ > kDeepest) fail(begin, at_, "nests too deep", fmt::format("at most {} levels", kDeepest));
    Node node = (this->*level)();
    --depth_;
    return node;
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  static bool is_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  }

  /// Whether the word comes next; then it is passed.
  bool word(std::string_view wanted) {
    skip_space();
    if (text_.compare(at_, wanted.size(), wanted) != 0) return false;
    const std::size_t end = at_ + wanted.size();
    if (is_name(wanted.front()) && end < text_.size() && is_name(text_[end])) return false;
    at_ = end;
    return true;
  }

  Node alternatives() {
    Node left = conjunctions();
    while (word("or")) {
      Node right = conjunctions();
      expect(left, Type::condition);
      expect(right, Type::condition);
      left.value = [a = std::move(left.value), b = std::move(right.value)](const Point& p) -> Result {
        return std::get<bool>(a(p)) || std::get<bool>(b(p));
      };
      left.key = nullptr;
    }
    return left;
  }

  Node conjunctions() {
    Node left = negation();
    while (word("and")) {
      Node right = negation();
      expect(left, Type::condition);
      expect(right, Type::condition);
      left.value = [a = std::move(left.value), b = std::move(right.value)](const Point& p) -> Result {
        return std::get<bool>(a(p)) && std::get<bool>(b(p));
      };
      left.key = nullptr;
    }
    return left;
  }

  Node negation() {
    skip_space();
    const std::size_t begin = at_;
    if (!word("not")) return comparison();
    Node node = nested(begin, &Parser::negation);
    expect(node, Type::condition);
    node.value = [a = std::move(node.value)](const Point& p) -> Result { return !std::get<bool>(a(p)); };
    return node;
  }

  /// The comparison that comes next; then it is passed.
  std::string comparison_sign() {
    for (const char* const sign : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (word(sign)) return sign;
    }
    return "";
  }

  Node comparison() {
    Node left = sum();
    const std::string sign = comparison_sign();
    if (sign.empty()) return left;
    Node right = sum();
    skip_space();
    const std::size_t next = at_;
    if (!comparison_sign().empty())
      fail(next, at_, "compares once more", "one comparison", "join two comparisons with and");
    expect(right, left.type);
    if (sign != "==" && sign != "!=") expect(left, Type::number);
    check_choice(left, right);
    check_choice(right, left);
    Node node{.type = Type::condition, .value = {}, .begin = left.begin, .end = right.end};
    const auto compare = [&](auto relation) {
      return [a = std::move(left.value), b = std::move(right.value), relation](const Point& p) -> Result {
        return relation(a(p), b(p));
      };
    };
    if (sign == "==") node.value = compare(std::equal_to<>());
    if (sign == "!=") node.value = compare(std::not_equal_to<>());
    if (sign == "<") node.value = compare(std::less<>());
    if (sign == "<=") node.value = compare(std::less_equal<>());
    if (sign == ">") node.value = compare(std::greater<>());
    if (sign == ">=") node.value = compare(std::greater_equal<>());
    return node;
  }

  /// A string beside a key that has choices is one of them.
  void check_choice(const Node& key, const Node& string) const {
    if (key.key == nullptr || string.key != nullptr || string.type != Type::string) return;
    const std::vector<std::string>& choices = key.key->allowed.choices;
    if (choices.empty() || std::ranges::find(choices, string.literal) != choices.end()) return;
    const std::string nearest = nearest_name(string.literal, choices);
    fail(string.begin, string.end, fmt::format("is no value of {}", key.key->key), allowed_text(*key.key),
         nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
  }

  template <class Operation>
  void combine(Node& left, Node right, Operation operation) const {
    expect(left, Type::number);
    expect(right, Type::number);
    left.value = [a = std::move(left.value), b = std::move(right.value),
                  operation](const Point& p) -> Result {
      return operation(std::get<double>(a(p)), std::get<double>(b(p)));
    };
    left.key = nullptr;
    left.end = right.end;
  }

  Node sum() {
    Node left = product();
    for (;;) {
      if (word("+")) {
        combine(left, product(), std::plus<double>());
      } else if (word("-")) {
        combine(left, product(), std::minus<double>());
      } else {
        return left;
      }
    }
  }

  Node product() {
    Node left = sign();
    for (;;) {
      if (word("*")) {
        combine(left, sign(), std::multiplies<double>());
      } else if (word("/")) {
        combine(left, sign(), std::divides<double>());
      } else {
        return left;
      }
    }
  }

  Node sign() {
    skip_space();
    const std::size_t begin = at_;
    if (!word("-")) return atom();
    Node node = nested(begin, &Parser::sign);
    expect(node, Type::number);
    node.begin = begin;
    node.value = [a = std::move(node.value)](const Point& p) -> Result { return -std::get<double>(a(p)); };
    node.key = nullptr;
    return node;
  }

  /// What stands from `begin` up to here.
  Node constant(std::size_t begin, Type type, Result value) const {
    return {.type = type,
            .value = [value = std::move(value)](const Point&) { return value; },
            .begin = begin,
            .end = at_};
  }

  Node atom() {
    skip_space();
    const std::size_t begin = at_;
    if (word("(")) {
      Node node = nested(begin, &Parser::alternatives);
      if (!word(")")) fail(at_, word_end(at_), "comes where a bracket should close", ")", foreign(at_));
      node.begin = begin;
      node.end = at_;
      return node;
    }
    if (begin == text_.size()) fail(begin, begin, "comes too early", kOperand);
    if (word("not"))
      fail(begin, at_, "cannot stand there", kOperand, "put brackets around not and what follows");
    if (word("and") || word("or")) fail(begin, at_, "cannot stand there", kOperand);
    const char first = text_[begin];
    if (first == '"' || first == '\'') return string(begin, first);
    if (std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '.') return number(begin);
    if (is_name(first)) return name(begin);
    fail(begin, word_end(begin), "cannot stand there", kOperand, foreign(begin));
  }

  Node string(std::size_t begin, char quote) {
    const std::size_t end = text_.find(quote, begin + 1);
    if (end == std::string::npos) fail(begin, text_.size(), "has no end", std::string(1, quote));
    at_ = end + 1;
    Node node = constant(begin, Type::string, text_.substr(begin + 1, end - begin - 1));
    node.literal = text_.substr(begin + 1, end - begin - 1);
    return node;
  }

  Node number(std::size_t begin) {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + text_.size(), value);
    at_ = static_cast<std::size_t>(end - text_.data());
    const bool whole = at_ == text_.size() || !is_name(text_[at_]);
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (error != std::errc() || !whole) fail(begin, at_, "is no number", "a number");
    return constant(begin, Type::number, value);
  }

  Node name(std::size_t begin) {
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    const std::string key = text_.substr(begin, at_ - begin);
    if (key == "true" || key == "false") return constant(begin, Type::condition, key == "true");
    if (key == "inf") return constant(begin, Type::number, std::numeric_limits<double>::infinity());
    const auto parameter = std::ranges::find(parameters_, key, &Parameter::key);
    if (parameter == parameters_.end()) fail_unknown(begin, key);
    keys.push_back(key);
    Node node{.type = Type::number, .value = {}, .key = &*parameter, .begin = begin, .end = at_};
    const Value& like = parameter->default_value;
    if (std::holds_alternative<bool>(like)) {
      node.type = Type::condition;
      node.value = [key](const Point& p) -> Result { return get<bool>(p, key); };
    } else if (std::holds_alternative<std::string>(like)) {
      node.type = Type::string;
      node.value = [key](const Point& p) -> Result { return get<std::string>(p, key); };
    } else if (std::holds_alternative<std::int64_t>(like)) {
      node.value = [key](const Point& p) -> Result { return static_cast<double>(get<std::int64_t>(p, key)); };
    } else {
      node.value = [key](const Point& p) -> Result { return get<double>(p, key); };
    }
    return node;
  }

  [[noreturn]] void fail_unknown(std::size_t begin, const std::string& key) const {
    std::vector<std::string> known;
    std::string remedy;
    for (const Parameter& p : parameters_) {
      known.push_back(p.key);
      if (std::ranges::find(p.allowed.choices, key) != p.allowed.choices.end())
        remedy = fmt::format("put a string in quotes: \"{}\"", key);
    }
    known.insert(known.end(), {"true", "false", "inf"});
    const std::string nearest = nearest_name(key, known);
    if (remedy.empty() && !nearest.empty()) remedy = fmt::format("did you mean {}?", nearest);
    fail(begin, at_, "is no key", "a key of the experiment, or true, false, inf", remedy);
  }

  const std::string& text_;
  std::span<const Parameter> parameters_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Expression::Expression(std::string text, std::span<const Parameter> parameters) : text_(std::move(text)) {
  Parser parser(text_, parameters);
  root_ = std::make_shared<const Node>(parser.parse());
  keys_ = std::move(parser.keys);
  std::ranges::sort(keys_);
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
}

bool Expression::holds(const Point& point) const { return std::get<bool>(root_->value(point)); }

}  // namespace ecphory::base
