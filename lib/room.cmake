# ecphory_room(NAME SOURCES...): one folder of headers and sources as the target ecphory::NAME.
# `#include "ecphory/NAME/x.hpp"` finds x.hpp of that folder, in the build tree and once installed.
function(ecphory_room name)
  set(target ecphory_${name})
  add_library(${target} STATIC ${ARGN})
  add_library(ecphory::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)

  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/ecphory)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include/ecphory/${name} SYMBOLIC)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

  # The instruction set is part of the interface: inline Eigen code must be the same on both sides.
  target_compile_options(${target} PUBLIC $<$<COMPILE_LANGUAGE:CXX>:-march=${ECPHORY_ARCH}>)
  ecphory_code(${target})

  install(TARGETS ${target} EXPORT ecphory)
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ecphory/${name}
    FILES_MATCHING PATTERN "*.hpp")
endfunction()

# How all code of the project is compiled. Contraction to fma is left to the source, which says std::fma where it means
# it: the same expression gives the same bits wherever it is inlined. No code reads floating-point flags, so loops with
# a comparison may become vector code (-fno-trapping-math; no value changes). GCC 12 warns of uninitialised values inside
# its own AVX-512 headers (GCC bug 105593), and Clang of loops marked simd that it leaves scalar: those two are off.
function(ecphory_code target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -ffp-contract=off -fno-math-errno -fno-trapping-math>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized -Wno-uninitialized>
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-pass-failed>)
  # CMake 3.25 does not know how to ask nvcc for C++20. Kernels too say fma where they mean it, and call constexpr
  # functions of the standard library. Off: GCC's pragmas in code for both (1675), and what Eigen 3.4 defaults (20012).
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:
    -std=c++20 --fmad=false --expt-relaxed-constexpr -diag-suppress=1675,20012 -Xcompiler=-Wall,-Wextra,-Wshadow>)
  if(ECPHORY_STRICT)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
  endif()
  if(ECPHORY_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ECPHORY_SANITIZE} -fno-omit-frame-pointer>)
    target_link_options(${target} PUBLIC -fsanitize=${ECPHORY_SANITIZE})
  endif()
endfunction()
