#ifndef CIMAGE_H
#define CIMAGE_H

#include <stddef.h>
#include <stdint.h>

// PNG by libpng's step by step interface, whose transformations are all asked for by name: its
// simplified interface always brings samples to the gamma of sRGB.

// The bytes of a message with its zero.
#define CIMAGE_MESSAGE 160

// A picture being read; owns libpng's structures, not the bytes.
typedef struct cimage_png cimage_png;

// What a picture comes to: 1 channel (gray) or 3 (red, green, blue) of 8 bits each.
typedef struct {
  size_t height;
  size_t width;
  int channels;
} cimage_size;

// Reads the header. Returns null and a message where it is damaged or there is no memory; the bytes
// must stay valid until cimage_png_close.
cimage_png *cimage_png_open(
    const uint8_t *bytes, size_t count, cimage_size *size, char *message);

// Reads all rows into height * width * channels bytes. Returns 0, or -1 and a message for a picture
// that is damaged or cut short; to be called once.
int cimage_png_read(cimage_png *png, uint8_t *pixels, char *message);

// Frees the structures.
void cimage_png_close(cimage_png *png);

#endif
