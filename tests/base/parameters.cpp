#include "ecphory/base/parameters.hpp"

#include <array>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

using namespace ecphory::base;

namespace {

enum class Colour { red, green };
std::span<const std::string_view> names(Colour) {
  static constexpr std::array<std::string_view, 2> kNames = {"red", "green"};
  return kNames;
}

struct Lamp {
  double power = 2.5;
  std::int64_t bulbs = 4;
  Colour colour = Colour::green;
  bool on = false;
};

ParameterTable<Lamp> lamp_table() {
  return ParameterTable<Lamp>("lamp")
      .add("power", &Lamp::power, "W", "power", above(0))
      .add("bulbs", &Lamp::bulbs, "1", "bulbs", {.low = 2, .multiple_of = 2})
      .add("colour", &Lamp::colour, "1", "colour")
      .add("on", &Lamp::on, "1", "whether it shines");
}

std::string complaint_of(const Parameter& parameter, const Value& value) {
  try {
    checked(parameter, value);
  } catch (const UserError& error) {
    CHECK(error.complaint().key == parameter.key);
    return error.complaint().problem + "|" + error.complaint().expected + "|" + error.complaint().remedy;
  }
  return "";
}

}  // namespace

TEST_CASE("defaults are the struct's, and what is read is what stands in the point") {
  const auto table = lamp_table();
  Point point;
  for (const Parameter& p : table.parameters()) point[p.key] = p.default_value;
  CHECK(std::get<std::string>(point.at("lamp.colour")) == "green");
  point["lamp.power"] = 7.0;
  point["lamp.colour"] = std::string("red");
  const Lamp lamp = table.read(point);
  CHECK(lamp.power == 7.0);
  CHECK(lamp.bulbs == 4);
  CHECK(lamp.colour == Colour::red);
}

TEST_CASE("values out of range and wrong types are refused with what was expected") {
  const auto table = lamp_table();
  const auto& p = table.parameters();
  CHECK(complaint_of(p[0], 0.0) == "0.0 is not allowed|a number > 0|the default is 2.5");
  CHECK(complaint_of(p[0], INFINITY) != "");
  CHECK(complaint_of(p[0], NAN) != "");
  CHECK(complaint_of(p[0], std::string("x")).find("wrong type") != std::string::npos);
  CHECK(complaint_of(p[1], std::int64_t{3}) == "3 is not allowed|an even whole number >= 2|the default is 4");
  CHECK(complaint_of(p[1], 4.0).find("wrong type") != std::string::npos);
  CHECK(complaint_of(p[2], std::string("gren")) ==
        "\"gren\" is not allowed|one of red, green|did you mean \"green\"?");
  CHECK(complaint_of(p[3], std::int64_t{1}).find("true or false") != std::string::npos);
}

TEST_CASE("a whole number stands for a real one") {
  const auto table = lamp_table();
  CHECK(std::get<double>(checked(table.parameters()[0], std::int64_t{3})) == 3.0);
}

TEST_CASE("infinity is a value only where it says so") {
  const Parameter beta{
      .key = "b", .default_value = 1.0, .unit = "1", .meaning = "", .allowed = {.low = 0, .infinite = true}};
  CHECK(complaint_of(beta, INFINITY).empty());
  CHECK_FALSE(complaint_of(beta, -INFINITY).empty());
  CHECK_FALSE(complaint_of(beta, NAN).empty());
}

TEST_CASE("canonical text reads back as the same value") {
  CHECK(to_text(2.0) == "2.0");
  CHECK(to_text(0.1) == "0.1");
  CHECK(std::stod(to_text(1.0 / 3.0)) == 1.0 / 3.0);
  CHECK(to_text(1e300) == "1e+300");
  CHECK(to_text(INFINITY) == "inf");
  CHECK(to_text(std::int64_t{-3}) == "-3");
  CHECK(to_text(std::string("a\"b\\c\n")) == "\"a\\\"b\\\\c\\u000a\"");
  CHECK(to_text(true) == "true");
}

TEST_CASE("an unknown key is refused with the nearest one") {
  const auto table = lamp_table();
  try {
    find_parameter(table.parameters(), "lamp.colur");
    FAIL("found a key that is not there");
  } catch (const UserError& error) {
    CHECK(error.complaint().remedy == "did you mean lamp.colour?");
  }
}
