package machine

import "context"

// Image returns the name, in the Docker engine, of the image of machines: a root of Ubuntu 24.04 or Debian 13. It makes
// the image if it is missing; show, if not nil, is called with the progress.
func Image(ctx context.Context, show func(title string) (done func())) (string, error) {
	engine, err := lookUp(ctx)
	if err != nil {
		return "", err
	}
	return image(ctx, engine, show)
}
