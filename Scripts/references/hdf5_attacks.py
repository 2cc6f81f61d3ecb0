#!/usr/bin/env python3
"""Writes an HDF5 file whose datasets reach for other files, for the tests of HDF5. Needs h5py (3.x).

    Scripts/references/hdf5_attacks.py Tests/HDF5Tests/Fixtures
"""
import pathlib
import sys

import h5py
import numpy as np

folder = pathlib.Path(sys.argv[1])
with h5py.File(folder / "reaching.h5", "w", libver="earliest") as file:
    file["honest"] = np.arange(4, dtype="f4")
    file["external_link"] = h5py.ExternalLink("secret.h5", "/data")
    file["linked_group"] = h5py.ExternalLink("secret.h5", "/")
    file["soft_link"] = h5py.SoftLink("/external_link")
    file.create_dataset("external_storage", shape=(4,), dtype="f4", external=[("secret.bin", 0, 16)])
    for name, source in [("absolute", "/secret.h5"), ("upwards", "../secret.h5")]:
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = h5py.VirtualSource(source, "data", shape=(4,))
        file.create_virtual_dataset(name, layout)
