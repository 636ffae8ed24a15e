#pragma once
int cmpi_test(void);
