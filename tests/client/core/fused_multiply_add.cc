// What no_fused_multiply_add.sh has to find: compiled with fusing allowed.

float FusedMultiplyAdd(float a, float b, float c) { return a * b + c; }
