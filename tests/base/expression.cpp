#include "ecphory/base/expression.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ecphory;
using base::Expression;

namespace {

const std::vector<base::Parameter> kParameters = {
    {"a", 1.0, "1", "", {}},
    {"task.n", std::int64_t{2}, "1", "", {}},
    {"name", std::string("x"), "1", "", {.choices = {"modern", "hopfield"}}},
    {"file", std::string(), "1", "", {}},
    {"on", true, "1", "", {}},
};

const base::Point kPoint = {{"a", 2.5},
                            {"task.n", std::int64_t{4}},
                            {"name", std::string("modern")},
                            {"file", std::string("b")},
                            {"on", true}};

bool holds(const std::string& text) { return Expression(text, kParameters).holds(kPoint); }

/// Problem, expectation and remedy of the refusal.
std::string refusal(const std::string& text) {
  try {
    const Expression accepted(text, kParameters);
  } catch (const base::UserError& error) {
    return error.complaint().problem + " | " + error.complaint().expected + " | " + error.complaint().remedy;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("comparisons of numbers, strings and truths") {
  CHECK(holds("a == 2.5"));
  CHECK(holds("a != 2"));
  CHECK(holds("a < 2.6"));
  CHECK_FALSE(holds("a < 2.5"));
  CHECK(holds("a <= 2.5"));
  CHECK(holds("a >= 2.5"));
  CHECK(holds("task.n > a"));
  CHECK(holds("a < inf"));
  CHECK(holds("a > -1e-3"));
  CHECK(holds(R"(name == "modern")"));
  CHECK(holds("name != 'hopfield'"));
  CHECK(holds("file == 'b'"));
  CHECK(holds("on"));
  CHECK(holds("on == true"));
  CHECK_FALSE(holds("on != true"));
}

TEST_CASE("arithmetic binds before comparison, comparison before not, not before and, and before or") {
  CHECK(holds("1 + 2 * 3 == 7"));
  CHECK(holds("(1 + 2) * 3 == 9"));
  CHECK(holds("8 / 4 / 2 == 1"));
  CHECK(holds("8 - 4 - 2 == 2"));
  CHECK(holds("-a * 2 == -5"));
  CHECK(holds("2 - -1 == 3"));
  CHECK(holds("not a > 3 and on"));
  CHECK(holds("on or on and false"));
  CHECK_FALSE(holds("(on or on) and false"));
  CHECK(holds("not (a > 3 or task.n < 3)"));
  CHECK(holds("not not on"));
}

TEST_CASE("words end where names end") {
  const std::vector<base::Parameter> parameters = {{"order", 1.0, "1", "", {}},
                                                   {"nothing.or", 1.0, "1", "", {}}};
  const Expression e("order==1 or nothing.or>2", parameters);
  CHECK(e.holds({{"order", 1.0}, {"nothing.or", 0.0}}));
  CHECK(e.keys() == std::vector<std::string>{"nothing.or", "order"});
}

TEST_CASE("what it names and says is known") {
  const Expression e("task.n > a and a > 0", kParameters);
  CHECK(e.keys() == std::vector<std::string>{"a", "task.n"});
  CHECK(e.text() == "task.n > a and a > 0");
  const Expression copy = e;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(copy.holds(kPoint));
}

TEST_CASE("what is no condition is refused with its place and a way out") {
  CHECK(refusal("") ==
        R"(column 1 of the condition : the end comes too early | a key, a number, a string or ( | )");
  CHECK(refusal("a") == "column 1 of the condition a: \"a\" is a number | a condition | ");
  CHECK(refusal("a >") ==
        "column 4 of the condition a >: the end comes too early | a key, a number, a string or ( | ");
  CHECK(refusal("a > 1 b").find("column 7 ") == 0);
  CHECK(refusal("a > 1 b").find("does not belong there") != std::string::npos);
  CHECK(refusal("(a > 1").find("the end comes where a bracket should close") != std::string::npos);
  CHECK(refusal("1 < a < 2").find("join two comparisons with and") != std::string::npos);
  CHECK(refusal("tsk.n > 1").find("is no key") != std::string::npos);
  CHECK(refusal("tsk.n > 1").find("did you mean task.n?") != std::string::npos);
  CHECK(refusal("name == 'modrn'").find("did you mean \"modern\"?") != std::string::npos);
  CHECK(refusal("'modrn' == name").find("is no value of name") != std::string::npos);
  CHECK(refusal("name < 'x'").find("is a string | a number") != std::string::npos);
  CHECK(refusal("a == 'x'").find("is a string | a number") != std::string::npos);
  CHECK(refusal("a + on > 1").find("is a condition | a number") != std::string::npos);
  CHECK(refusal("a and on").find("is a number | a condition") != std::string::npos);
  CHECK(refusal("not a").find("is a number | a condition") != std::string::npos);
  CHECK(refusal("name == 'x").find("has no end") != std::string::npos);
  CHECK(refusal("a > 1.2.3").find("is no number") != std::string::npos);
  CHECK(refusal("a > 3x").find("is no number") != std::string::npos);
  CHECK(refusal("a > #").find("cannot stand there") != std::string::npos);
  CHECK(refusal("a = 1").find("does not belong there") != std::string::npos);
}

TEST_CASE("a refusal quotes the part that is wrong, no more and no less") {
  CHECK(refusal("a + on > 1").find("column 5 of the condition a + on > 1: \"on\" is") == 0);
  CHECK(refusal("a * 2 + 1 and on").find(": \"a * 2 + 1\" is a number") != std::string::npos);
  CHECK(refusal("on and (a + 1) or on")
            .find("column 8 of the condition on and (a + 1) or on: \"(a + 1)\" is") == 0);
  CHECK(refusal("1 + -on > 1").find("column 6 of the condition 1 + -on > 1: \"on\" is") == 0);
  CHECK(refusal("on and -a").find(": \"-a\" is a number") != std::string::npos);
  CHECK(refusal("(not on) < true").find(": \"(not on)\" is a condition") != std::string::npos);
  CHECK(refusal("on and tsk.n > 1").find(": \"tsk.n\" is no key") != std::string::npos);
  CHECK(refusal("a > 3x and on").find(": \"3x\" is no number") != std::string::npos);
  CHECK(refusal("1 < a   < 2").find("column 9 of") == 0);
}

TEST_CASE("what other languages write is refused with what is written here") {
  const auto remedy = [](const std::string& text) {
    const std::string all = refusal(text);
    return all.substr(all.rfind("| ") + 2);
  };
  CHECK(remedy("a = 1") == "write ==");
  CHECK(remedy("a => 1") == "write >=");
  CHECK(remedy("a =< 1") == "write <=");
  CHECK(remedy("on && on") == "write and");
  CHECK(remedy("(on | on)") == "write or");
  CHECK(remedy("!on") == "write not");
  CHECK(remedy("a > != 1") == "");
  CHECK(remedy("on == True") == "did you mean true?");
  CHECK(remedy("name == modern") == "put a string in quotes: \"modern\"");
  CHECK(remedy("on == not on") == "put brackets around not and what follows");
  CHECK(refusal("and on").find("\"and\" cannot stand there") != std::string::npos);
}

TEST_CASE("what would exhaust the stack is refused") {
  const auto repeat = [](const std::string& piece, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += piece;
    return all;
  };
  CHECK(holds(repeat("(", 100) + "on" + repeat(")", 100)));
  CHECK(holds(repeat("not ", 100) + "on"));
  CHECK(holds("1 < " + repeat("-", 100) + "a"));
  CHECK(holds("on" + repeat(" and (on)", 200)));
  CHECK(holds("a < 1" + repeat("+1", 4000)));
  CHECK(refusal(repeat("(", 101) + "on" + repeat(")", 101)).find("at most 100 levels") != std::string::npos);
  CHECK(refusal(repeat("not ", 101) + "on").find("at most 100 levels") != std::string::npos);
  CHECK(refusal("1 < " + repeat("-", 101) + "a").find("at most 100 levels") != std::string::npos);
  CHECK(refusal(repeat("(", 200000)).find("at most 10000 characters") != std::string::npos);
}

TEST_CASE("an unknown key is refused where there are no keys at all") {
  CHECK_THROWS_AS(Expression("b > 1", std::vector<base::Parameter>{}), base::UserError);
}

TEST_CASE("the key of a complaint is left to the caller") {
  try {
    const Expression accepted("a", kParameters);
    FAIL("accepted a number as a condition");
  } catch (const base::UserError& error) {
    CHECK(error.complaint().key.empty());
  }
}
