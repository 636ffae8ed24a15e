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

// Changes of pictures [height, width, channels] of bytes, row by row, 1 or 3 channels. They give the
// bytes that Pillow gives, whose arithmetic each one names; nothing depends on the machine.

// A window of a picture, whose rows lie `stride` bytes apart, brought to a full size, of which `out`
// gets the part at `top` and `left`, by a triangle filter as wide as the reduction, in fixed point
// with 22 bits, across and then down, the other way round for a picture that becomes lower and wider:
// Pillow's BILINEAR, but that Pillow turns the passes round for some more that become lower, which
// changes bytes by one at most. `out` does not overlap. Returns 0, or -1 where there is no memory.
int cimage_resize(
    const uint8_t *window, size_t stride, size_t height, size_t width, size_t channels,
    size_t full_height, size_t full_width, size_t top, size_t left, uint8_t *out,
    size_t out_height, size_t out_width);

// out(x, y) = in(m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), counted from pixels' corners and
// sampled at their centers, between the four nearest pixels; black outside. `out` does not overlap.
void cimage_affine(
    const uint8_t *pixels, uint8_t *out, size_t height, size_t width, size_t channels,
    const double *m);

// base + factor (x - base), cut off below one and kept within bytes: Pillow's blend. The bases are
// black, the mean of the gray picture, and each pixel's gray.
void cimage_brightness(uint8_t *pixels, size_t count, size_t channels, float factor);
void cimage_contrast(uint8_t *pixels, size_t count, size_t channels, float factor);
void cimage_saturation(uint8_t *pixels, size_t count, size_t channels, float factor);

// Adds to the hue, a byte for the whole circle, of pixels as Pillow's mode HSV has them.
void cimage_hue(uint8_t *pixels, size_t count, size_t channels, uint8_t shift);

// Blends with the picture smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, the border as it is; `scratch` has
// room for a picture.
void cimage_sharpness(
    uint8_t *pixels, uint8_t *scratch, size_t height, size_t width, size_t channels,
    float factor);

// Keeps the highest bits.
void cimage_posterize(uint8_t *pixels, size_t count, size_t channels, int bits);

// Inverts bytes from a threshold on.
void cimage_solarize(uint8_t *pixels, size_t count, size_t channels, double threshold);

// Spreads each channel over 0 to 255, by its least and greatest byte.
void cimage_autocontrast(uint8_t *pixels, size_t count, size_t channels);

// Makes each channel's bytes equally frequent.
void cimage_equalize(uint8_t *pixels, size_t count, size_t channels);

// Gray as three equal channels.
void cimage_spread(const uint8_t *gray, uint8_t *out, size_t count);

#endif
