/** What pulls and pushes need of the node's store of images. */

import type { Content } from '../content.ts';
import type { StoredImage } from '../image-table.ts';
import type { LocalImage } from '../images.ts';

export interface Shelf {
  readonly content: Content;
  /** All images there are now. */
  images(): readonly StoredImage[];
  /**
   * Makes an image exist whose content is in its place: its tags and digests are taken over, those it had stay.
   * Content that came before is removed if nobody wants it any more.
   */
  keep(image: StoredImage): Promise<LocalImage>;
}
