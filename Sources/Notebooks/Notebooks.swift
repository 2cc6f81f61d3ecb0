// Jupyter notebooks that open results with h5py.
