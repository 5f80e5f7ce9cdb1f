/** A drawing as a file. */

/**
 * @param {string} text
 * @param {string} name
 */
export function downloadSvg(text, name) {
  download(URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), name);
}

/** The same drawing, twice as large, as pixels. */
export async function downloadPng(text, name) {
  const image = new Image();
  image.src = `data:image/svg+xml;utf8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  const scale = Math.min(2, 8000 / Math.max(image.width, image.height));
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  download(URL.createObjectURL(blob), name);
}

function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
