#include "cimage.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct cimage_png {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  size_t height;
  size_t stride;
  char *message;
  jmp_buf escape;
};

static void note(cimage_png *self, const char *text) {
  strncpy(self->message, text, CIMAGE_MESSAGE - 1);
  self->message[CIMAGE_MESSAGE - 1] = 0;
}

static void fail(png_structp png, png_const_charp text) {
  cimage_png *self = png_get_error_ptr(png);
  note(self, text);
  longjmp(self->escape, 1);
}

static void take(png_structp png, png_bytep target, size_t count) {
  cimage_png *self = png_get_io_ptr(png);
  if (count > self->count - self->position) png_error(png, "it ends too early");
  memcpy(target, self->bytes + self->position, count);
  self->position += count;
}

// Everything about a PNG that may change its pixels is decided here.
static void set_options(cimage_png *self, cimage_size *size) {
  png_structp png = self->png;
  png_set_read_fn(png, self, take);
  // Chunks that say how a screen should show the picture, or that hold text, are passed over unread:
  // gAMA, cHRM, sRGB, iCCP, bKGD, sBIT and their like. Nothing here corrects colors, and a damaged
  // profile is no reason to refuse a picture. Chunks to come, such as cICP, are unknown and go too.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  // Transparency is left out with the alpha channel, so the color or the palette's alpha that tRNS
  // gives are not needed either.
  static const png_byte transparency[5] = "tRNS";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, transparency, 1);
  // Pixels and palette must pass their checksums; of other chunks the checksum decides too, as it
  // shows that the file is damaged.
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(png, self->info);
  int type = png_get_color_type(png, self->info);
  int depth = png_get_bit_depth(png, self->info);
  // Colors of the palette, as Pillow's convert("RGB"); 1, 2 and 4 bits of gray are spread over 0 to
  // 255 by repeating them, which is the exact multiple.
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  // The high byte of 16 bits, as Pillow takes it; png_set_scale_16 would round.
  if (depth == 16) png_set_strip_16(png);
  // Colors are stored as they are, not multiplied by alpha, and come out so.
  if (type & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png);
  // No png_set_gamma, png_set_alpha_mode, png_set_background, png_set_rgb_to_gray, png_set_shift:
  // each would change values.
  png_set_interlace_handling(png);
  png_read_update_info(png, self->info);
  size->height = self->height = png_get_image_height(png, self->info);
  size->width = png_get_image_width(png, self->info);
  size->channels = png_get_channels(png, self->info);
  self->stride = png_get_rowbytes(png, self->info);
  if (png_get_bit_depth(png, self->info) != 8 || self->stride != size->width * size->channels)
    png_error(png, "an unknown kind of pixels");
}

cimage_png *cimage_png_open(
    const uint8_t *bytes, size_t count, cimage_size *size, char *message) {
  cimage_png *self = calloc(1, sizeof *self);
  strcpy(message, "no memory");
  if (self == NULL) return NULL;
  self->bytes = bytes;
  self->count = count;
  self->message = message;
  if (setjmp(self->escape) != 0) {
    cimage_png_close(self);
    return NULL;
  }
  // A warning is one of damage: what is harmless lies in the chunks that are passed over.
  self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, fail, fail);
  if (self->png != NULL) self->info = png_create_info_struct(self->png);
  if (self->info == NULL) {
    cimage_png_close(self);
    return NULL;
  }
  set_options(self, size);
  return self;
}

int cimage_png_read(cimage_png *self, uint8_t *pixels, char *message) {
  self->message = message;
  // A pointer that libpng fills through must outlive a jump out of it.
  png_bytep *volatile rows = malloc(self->height * sizeof *rows);
  if (rows == NULL) {
    note(self, "no memory");
    return -1;
  }
  if (setjmp(self->escape) != 0) {
    free(rows);
    return -1;
  }
  for (size_t row = 0; row < self->height; row++) rows[row] = pixels + row * self->stride;
  png_read_image(self->png, rows);
  // What follows the pixels is not read: Pillow takes a file whose end is missing, too.
  free(rows);
  return 0;
}

void cimage_png_close(cimage_png *self) {
  png_destroy_read_struct(&self->png, &self->info, NULL);
  free(self);
}
