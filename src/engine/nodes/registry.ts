import { joinImageWithAlpha, splitImageWithAlpha } from "./image-alpha.ts";
import { getImageSize, imageBatch, imageFromBatch, repeatImageBatch } from "./image-batch.ts";
import { imageBlend, imageCompositeMasked } from "./image-combine.ts";
import { imageAddNoise, imageBlur, imageInvert, imageSharpen } from "./image-filter.ts";
import { imagePadForOutpaint } from "./image-pad.ts";
import { imageQuantize } from "./image-quantize.ts";
import { imageScale, imageScaleBy, imageScaleToTotalPixels } from "./image-scale.ts";
import { emptyImage, loadImage, loadImageMask } from "./image-source.ts";
import { imageStitch } from "./image-stitch.ts";
import { imageCrop, imageCropV2, imageFlip, imageRotate } from "./image-transform.ts";
import { emptyLatentImage, repeatLatentBatch, saveLatent } from "./latent.ts";
import { loaders } from "./loaders.ts";
import { growMask } from "./mask-grow.ts";
import { imageToMask, invertMask, maskToImage, solidMask } from "./mask.ts";
import type { NodeDefinition } from "./node.ts";
import { hearthSampler } from "./sampler.ts";
import { saveAnimatedPng, saveAnimatedWebp } from "./save-animation.ts";
import { previewImage, saveImage } from "./save-image.ts";
import { stringConcatenate, stringLength, stringReplace, stringTrim } from "./string.ts";
import { previewAny, saveText } from "./text-output.ts";
import { numberConvert, primitives } from "./value.ts";

/** The node classes by name, as prompts name them. */
export type NodeRegistry = ReadonlyMap<string, NodeDefinition>;

const definitions: readonly NodeDefinition[] = [
  emptyImage,
  loadImage,
  loadImageMask,
  imageScale,
  imageScaleBy,
  imageScaleToTotalPixels,
  imageInvert,
  imageBatch,
  imageBlend,
  imageBlur,
  imageSharpen,
  imageQuantize,
  imageAddNoise,
  imageCrop,
  imageCropV2,
  imageRotate,
  imageFlip,
  imageStitch,
  imagePadForOutpaint,
  repeatImageBatch,
  imageFromBatch,
  getImageSize,
  imageCompositeMasked,
  joinImageWithAlpha,
  splitImageWithAlpha,
  solidMask,
  maskToImage,
  imageToMask,
  invertMask,
  growMask,
  saveImage,
  previewImage,
  saveAnimatedWebp,
  saveAnimatedPng,
  previewAny,
  saveText,
  emptyLatentImage,
  repeatLatentBatch,
  saveLatent,
  ...primitives,
  numberConvert,
  stringConcatenate,
  stringReplace,
  stringLength,
  stringTrim,
  hearthSampler,
  ...loaders,
];

export const builtInNodes: NodeRegistry = new Map(definitions.map((node) => [node.name, node]));
