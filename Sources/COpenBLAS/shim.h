// OpenBLAS: its C interface to BLAS, what it tells of itself, and the few LAPACK routines that we call.
//
// LAPACK is part of OpenBLAS; its Fortran names are declared here, since not every system installs lapacke.h.
#pragma once
#include <cblas.h>

// https://netlib.org/lapack/explore-html: arguments by address, matrices column-major.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(
    const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b, const int *ldb,
    int *info);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void dsyev_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *info);
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info);
void dgeev_(
    const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr, double *wi, double *vl,
    const int *ldvl, double *vr, const int *ldvr, double *work, const int *lwork, int *info);
