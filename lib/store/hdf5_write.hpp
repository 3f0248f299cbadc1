#pragma once
// Labelled arrays → HDF5 that xarray, netCDF, h5py, MATLAB, Octave and Julia open at once.

#include <filesystem>
#include <string>

#include "ecphory/store/atomic_file.hpp"
#include "ecphory/store/dataset.hpp"

namespace ecphory::store {

struct WriteOptions {
  bool float32 = false;  ///< store double arrays (not coordinates) in single precision
  int gzip = 0;          ///< 0 = off … 9
  Existing existing = Existing::refuse;
  bool sealed = false;  ///< with a checksum of every byte in front, which damage_of() looks at
};

/// Writes `dataset` as the HDF5 file `path`, whole or not at all (AtomicFile). Arrays become datasets of the
/// root group; every dimension is a dimension scale of its name, with 0, 1, 2 … as coordinate when the
/// dataset brings none. Arrays over 1 MB are chunked in about 1 MB. Throws UserError when the file cannot be
/// written, Bug for an inconsistent dataset.
void write(const std::filesystem::path& path, const Dataset& dataset, const WriteOptions& options);

/// Version of the HDF5 library, "1.10.8".
std::string hdf5_version();

}  // namespace ecphory::store
